"""Files of composites, radar or satellite, and what is read from them."""

import h5py
import numpy as np


def save(path, variable, numbers, times="every five minutes", **attributes):
    """Write a file of composites, `times` in seconds or None."""
    with h5py.File(path, "w") as file:
        file[variable] = numbers
        file[variable].attrs.update(attributes)
        if isinstance(times, str):
            times = 300 * np.arange(len(numbers))
        if times is not None:
            file["time"] = times
    return path


def load(module, config, path, **fields):
    """Open a file with a module of data/weather."""
    config.data.path = str(path)
    config.data.update({"variable": "", **fields})
    return module.load(config.data)


def frames(dataset, index=0):
    """Return all frames of a trajectory."""
    return dataset.trajectories.read(index, 0, dataset.trajectories.lengths[index])
