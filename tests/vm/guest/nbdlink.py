#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What nbd-client has no words for: the kernel's NBD_CMD_RECONFIGURE, by generic netlink.

    nbdlink.py size INDEX HOST PORT EXPORT      the device gets the size that the export has now
    nbdlink.py patience INDEX SECONDS           wait so long for a new connection when all are dead
    nbdlink.py reconnect INDEX HOST PORT EXPORT CONNECTIONS SECONDS
                                                replace the dead connections, as soon as they are

Numbers: linux/netlink.h, linux/genetlink.h, linux/nbd-netlink.h, and NBD's proto.md."""
import errno
import os
import socket
import struct
import sys
import time

GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2
NLA_F_NESTED, NLA_TYPE = 0x8000, 0x3fff
RECONFIGURE = 3
A_INDEX, A_SIZE_BYTES, A_SOCKETS, A_DEAD_CONN_TIMEOUT = 1, 2, 7, 8
SOCK_ITEM, SOCK_FD = 1, 1
FIXED_NEWSTYLE, NO_ZEROES, OPT_EXPORT_NAME = 1, 2, 1


def attr(kind, payload):
    if isinstance(payload, int):
        payload = struct.pack("=I" if kind in (A_INDEX, SOCK_FD) else "=Q", payload)
    text = struct.pack("=HH", 4 + len(payload), kind) + payload
    return text + bytes(-len(text) % 4)


def ask(link, family, command, attrs):
    """One request; returns the attributes of the answer."""
    body = struct.pack("=BBH", command, 1, 0) + b"".join(attrs)
    link.send(struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
    found = {}
    while True:
        text = link.recv(65536)
        while text:
            length, kind = struct.unpack_from("=IH", text)
            if kind == NLMSG_ERROR:
                code, = struct.unpack_from("=i", text, 16)
                if code:
                    raise OSError(-code, os.strerror(-code))
                return found
            at = 20
            while at + 4 <= length:
                size, what = struct.unpack_from("=HH", text, at)
                found[what & NLA_TYPE] = text[at + 4:at + size]
                at += (size + 3) & ~3
            text = text[(length + 3) & ~3:]


def reconfigure(index, *attrs):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as link:     # NETLINK_GENERIC
        link.bind((0, 0))
        answer = ask(link, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, [attr(CTRL_ATTR_FAMILY_NAME, b"nbd\0")])
        family, = struct.unpack("=H", answer[CTRL_ATTR_FAMILY_ID])
        ask(link, family, RECONFIGURE, [attr(A_INDEX, index), *attrs])


def receive(s, count):
    text = b""
    while len(text) < count:
        part = s.recv(count - len(text))
        if not part:
            raise ConnectionError("the server has closed")
        text += part
    return text


def connect(host, port, export):
    """A connection in the transmission phase, and the export's size."""
    s = socket.create_connection((host, port), 5)
    magic, option, flags = struct.unpack(">8s8sH", receive(s, 18))
    if (magic, option) != (b"NBDMAGIC", b"IHAVEOPT") or not flags & NO_ZEROES:
        raise ConnectionError("no newstyle server: %r %r %x" % (magic, option, flags))
    s.sendall(struct.pack(">I8sII", FIXED_NEWSTYLE | NO_ZEROES, b"IHAVEOPT", OPT_EXPORT_NAME,
                          len(export)) + export.encode())
    size, _ = struct.unpack(">QH", receive(s, 10))
    s.settimeout(None)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s, size


def replace_one(index, host, port, export):
    """True when a dead connection was replaced; False while there is none, or no server."""
    try:
        s, _ = connect(host, port, export)
        with s:
            item = attr(SOCK_ITEM | NLA_F_NESTED, attr(SOCK_FD, s.fileno()))
            reconfigure(index, attr(A_SOCKETS | NLA_F_NESTED, item))
            return True
    except OSError as e:    # ENOSPC: all are alive
        if e.errno not in (errno.ENOSPC, errno.ECONNREFUSED, errno.ECONNRESET, None):
            raise
        return False


def reconnect(index, host, port, export, connections, seconds):
    end = time.monotonic() + seconds
    replaced = 0
    while replaced < connections:
        if replace_one(index, host, port, export):
            replaced += 1
        elif time.monotonic() > end:
            sys.exit("%d of %d connections were replaced after %d s" % (replaced, connections, seconds))
        else:
            time.sleep(0.1)


def take_size(index, host, port, export):
    s, size = connect(host, port, export)
    s.close()
    reconfigure(index, attr(A_SIZE_BYTES, size))


def main():
    what, index, *rest = sys.argv[1:]
    if what == "patience":
        reconfigure(int(index), attr(A_DEAD_CONN_TIMEOUT, int(rest[0])))
    elif what == "size":
        host, port, export = rest
        take_size(int(index), host, int(port), export)
    else:
        host, port, export, connections, seconds = rest
        reconnect(int(index), host, int(port), export, int(connections), int(seconds))


main()
