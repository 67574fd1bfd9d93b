"""KITTI: video from a driving car."""
