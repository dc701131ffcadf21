"""A local SMTP server (RFC 5321) for tests: keeps what it is given, and fails as it is told."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """`answer` is asked before a message is taken, with the recipients: a reply line such as "451 later", "" to hang up, None to take it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[EmailMessage] = []
        self.envelopes: list[list[str]] = []
        self.answer: Callable[[list[str]], str | None] = lambda recipients: None
        self.pause = 0.0
        self.hang_up_after_taking = False

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.say("220 mail.test ESMTP")
        recipients: list[str] = []
        for line in self.rfile:
            verb, rest = line[:4].upper(), line.decode().strip()
            if verb in (b"EHLO", b"HELO"):
                self.say("250 mail.test")
            elif verb == b"RCPT":
                recipients.append(rest.partition(":")[2].strip("<> "))
                self.say("250 ok")
            elif verb == b"DATA":
                if not self.take(recipients):
                    return
                recipients = []
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def take(self, recipients: list[str]) -> bool:
        """False: hung up."""
        self.say("354 go on")
        data = b""
        for line in self.rfile:
            if line == b".\r\n":
                break
            data += line.removeprefix(b".")
        time.sleep(self.server.pause)
        reply = self.server.answer(recipients)
        if reply == "":
            return False
        if reply is None:
            mail = message_from_bytes(data, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.server.mails.append(mail)
            self.server.envelopes.append(recipients)
            if self.server.hang_up_after_taking:
                return False
        self.say(reply or "250 taken")
        return True

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def running() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
