"""`python -m prsnl`."""

from prsnl.cli import main

if __name__ == "__main__":
    main()
