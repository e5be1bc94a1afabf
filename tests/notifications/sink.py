"""A mail server that keeps what it gets: one JSON object a line in a file. Prints its port, and ends when its input does.

usage: sink.py none|starttls|tls FILE [CERTIFICATE KEY] [USER PASSWORD]
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, path = sys.argv[1:3]
rest = sys.argv[3:]
certificate, key = (rest.pop(0), rest.pop(0)) if mode != "none" else (None, None)
login = rest or None


class Keeper:
    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": dict(letter.items()),
            "text": letter.get_content(),
            "protected": session.ssl is not None or mode == "tls",
        }
        with open(path, "a", encoding="utf-8") as out:
            out.write(json.dumps(kept) + "\n")
        return "250 kept"


def known(server, session, envelope, mechanism, data):
    given = [data.login.decode(), data.password.decode()]
    return AuthResult(success=given == login, handled=False)


def context():
    found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    found.load_cert_chain(certificate, key)
    return found


def server():
    return SMTP(
        Keeper(),
        hostname="sink.localhost",
        tls_context=context() if mode == "starttls" else None,
        require_starttls=mode == "starttls",
        authenticator=known if login else None,
        auth_required=login is not None,
        auth_require_tls=mode == "starttls",
    )


async def main():
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(server, "127.0.0.1", 0, ssl=context() if mode == "tls" else None)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
