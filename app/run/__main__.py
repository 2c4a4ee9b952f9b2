"""`run.py WORD`, inside the virtual environment."""

import sys

from app.run import words

if __name__ == "__main__":
    sys.exit(words.run(*(sys.argv[1:] or ["up"])))
