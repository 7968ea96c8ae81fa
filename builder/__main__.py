"""`python -m builder` is `magpie`."""

from builder.cli import main

if __name__ == "__main__":
    main()
