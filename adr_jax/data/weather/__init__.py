"""Images of weather: radar and satellite."""
