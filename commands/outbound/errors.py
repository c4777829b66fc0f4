"""Why nothing came of a call.

Both are told to whoever named the address, so neither says an address of the network
that the server stands in.
"""


class Refused(Exception):
    """This server does not call that address"""


class Unreachable(Exception):
    """There was no reply"""
