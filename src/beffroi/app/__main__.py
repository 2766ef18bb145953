"""`python -m beffroi.app`: the same as the command `beffroi`."""

from beffroi.app.commands import main

if __name__ == "__main__":
    main()
