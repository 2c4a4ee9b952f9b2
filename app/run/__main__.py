"""`run.py WORD`, inside the virtual environment."""

import sys

from app.run import words

if __name__ == "__main__":
    wanted = sys.argv[1:] or ["up"]
    try:
        sys.exit(words.run(*wanted))
    except KeyboardInterrupt:  # before there was anything to stop
        sys.exit(0 if wanted == ["up"] else 130)
