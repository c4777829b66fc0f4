"""Ports for servers that tests start."""

import socket


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of so many ports side by side that nobody listens on."""
    while True:
        first = free_port()
        probes: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                probes.append(socket.create_server(("127.0.0.1", port)))
        except (OSError, OverflowError):
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
