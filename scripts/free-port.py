#!/usr/bin/env python3
"""Prints loopback ports that are free now: free-port.py [HOW_MANY]."""
import socket
import sys

sockets = [socket.socket() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
