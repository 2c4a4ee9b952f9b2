"""Promises about time: policies say what is promised to whom, clocks measure whether it is kept."""
