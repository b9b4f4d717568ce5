# smtp.py - a mail server of others (aiosmtpd) for the journeys: keeps what it is given under DIR, and hands what is for our
# own domain to DIR/mda, as a real one would: 0 is taken, 75 is tried again later, anything else is refused with its words.
import asyncio
import itertools
import os
import subprocess
import sys

from aiosmtpd.controller import Controller

where, own = sys.argv[1], sys.argv[2]
numbers = itertools.count(1)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 5.1.1 no such user'
        if address.startswith('later@'):
            return '451 4.3.2 not now'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        for to in envelope.rcpt_tos:
            if to.lower().endswith('@' + own):
                mda = await asyncio.create_subprocess_exec(os.path.join(where, 'mda'), to, stdin=subprocess.PIPE,
                                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                said, _ = await mda.communicate(envelope.content)
                words = said.decode(errors='replace').replace('\n', ' ').strip()[:300]
                if mda.returncode:
                    return f'{451 if mda.returncode == 75 else 550} {mda.returncode} {words}'
                return f'250 {words}'
            name = os.path.join(where, f'{next(numbers):04}-{to}.eml')
            with open(name + '.part', 'wb') as f:
                f.write(envelope.content)
            os.rename(name + '.part', name)
        return '250 OK'


controller = Controller(Handler(), hostname='127.0.0.1', port=int(sys.argv[3]), data_size_limit=40 << 20)
controller.start()
print('ready', flush=True)
sys.stdin.read()
controller.stop()
