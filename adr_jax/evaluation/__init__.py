"""Scores of forecasts by named protocols, and the report."""
