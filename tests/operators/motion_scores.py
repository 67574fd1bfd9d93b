"""Scores of a motion against the true one."""

import numpy as np


def angle_and_length(u, truth):
    """Median angle in degrees, median ratio of lengths, and cosine of the whole."""
    there = np.linalg.norm(truth, axis=-1) >= 0.1
    u, truth = u[there], truth[there]
    sizes = np.linalg.norm(u, axis=-1), np.linalg.norm(truth, axis=-1)
    cosine = np.sum(u * truth, -1) / np.maximum(sizes[0] * sizes[1], 1e-9)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    whole = np.sum(u * truth) / np.sqrt(np.sum(u**2) * np.sum(truth**2))
    return np.median(angle), np.median(sizes[0] / sizes[1]), whole
