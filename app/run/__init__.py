"""The words of run.py and the processes behind them: standard library only, the app is imported inside a word."""
