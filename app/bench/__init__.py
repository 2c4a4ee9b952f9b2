"""How fast the desk is: `run.py bench` measures its pages beside a floor. Development only, nothing of the desk imports it."""
