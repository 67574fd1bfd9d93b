"""Evaluation of forecasts: protocols, metrics, studies and reports."""
