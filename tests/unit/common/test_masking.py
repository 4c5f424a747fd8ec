"""Logs lose their secrets in whatever form these stand there, and nothing else."""

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from mycloud.common import clock
from mycloud.common.masking import MASK, mask

SECRET = "Hunter2zQ9"

#: as programs write them; SECRET is what must not be seen
PLANTED = f"""\
connection = mysql+pymysql://nova:{SECRET}@db/nova
transport_url=rabbit://guest:{SECRET}@10.0.0.1:5672/,rabbit://guest:{SECRET}@10.0.0.2:5672/
'auth_password': '{SECRET}'
"adminPass": "{SECRET}",
{{'auth': {{'passwd': u'{SECRET}', 'user': 'me'}}}}
b'passphrase': b'{SECRET}'
password = {SECRET}
admin_password={SECRET}; next
node.session.auth.password = {SECRET}
node.session.auth.password_in = {SECRET}
Running cmd (subprocess): tgtadm --mode account --op new --user x --password {SECRET}
argv: ['tgtadm', '--password', '{SECRET}']
<incominguser me {SECRET}>
incominguser me {SECRET}
<graphics type='vnc' passwd='{SECRET}'/>
<password>{SECRET}</password>
<secret ephemeral='no'>{SECRET}</secret>
X-Auth-Token: {SECRET}
-H "X-Subject-Token: {SECRET}"
('X-Auth-Token', '{SECRET}')
Authorization: Basic {SECRET}
Authorization: Bearer {SECRET}.abc
got token {SECRET!r} back
curl -H 'authorization: bearer {SECRET}'
encryption_key: {SECRET}
"secret_key": "{SECRET}"
api-key={SECRET}&x=1
GET /images/1?ticket={SECRET}&a=b
-object secret,id=vol1-luks,format=raw,data={SECRET}
{{"qom-type":"secret","id":"s0","format":"raw","data":"{SECRET}"}}
-blockdev {{"driver":"nbd","server":{{"type":"inet"}},"export":"{SECRET}","node-name":"n"}}
qemu-img convert nbd://10.0.0.1:10809/{SECRET} out.raw
nbd+unix:///{SECRET}?socket=/run/x.sock
--image-opts driver=nbd,host=h,export={SECRET}
<source protocol='nbd' name='{SECRET}' tls='yes'>
{{\\"password\\": \\"{SECRET}\\"}}
CHAP secret: {SECRET}
chap_password={SECRET}
"fernet": "{SECRET}"
Set-Cookie: {SECRET}; Path=/
--os-password {SECRET}
--token {SECRET} list
"""

HARMLESS = """\
2026-11-26 04:40:07.123 42 INFO mycloud.compute.manager [req-1 op-1 u p] Server 1 is running
GET http://10.0.0.1:8774/compute/v2.1/servers/1?limit=5 200 in 0.031 s
qemu+unix:///system?socket=/run/libvirt/libvirt-sock
secret_uuid=0c2c6a1e-0000-4000-8000-000000000000
"token_id": "abc", token_type: Bearer
/var/lib/mycloud/keys/0 has 44 bytes
authentication failed for user me
public_key = ssh-ed25519 AAAA
keyboard: de-latin1
-----BEGIN CERTIFICATE-----
nbd: the connection was lost, at 10:20:30
user@example.org wrote to a:b
"""

KEY = "-----BEGIN {0}PRIVATE KEY-----\nMIIE{1}\nab+/c\n-----END {0}PRIVATE KEY-----"


class MaskingTest(testtools.TestCase):
    def test_planted_secrets(self):
        for line in PLANTED.splitlines():
            self.assertNotIn(SECRET, mask(line), line)
        self.assertNotIn(SECRET, mask(PLANTED))
        self.assertEqual(len(PLANTED.splitlines()), len(mask(PLANTED).splitlines()))

    def test_names_stay(self):
        self.assertEqual("mysql://nova:***@db/nova", mask(f"mysql://nova:{SECRET}@db/nova"))
        self.assertEqual("'auth_password': '***'}", mask(f"'auth_password': '{SECRET}'}}"))
        self.assertEqual("password = ***; x", mask(f"password = {SECRET}; x"))

    def test_what_is_no_secret_stays(self):
        self.assertEqual(HARMLESS, mask(HARMLESS))

    def test_private_keys(self):
        for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "):
            whole = KEY.format(kind, SECRET)
            for text in (whole, repr(whole), f"a\n{whole}\nb\n{whole}\nc"):
                found = mask(text)
                self.assertNotIn(SECRET, found)
                self.assertNotIn("ab+/c", found)
                self.assertIn(MASK, found)
            # the text begins or ends within it
            self.assertEqual("***\nafter", mask(f"{whole[40:]}\nafter"))
            self.assertNotIn(SECRET, mask(f"before\n{whole[:-30]}"))

    def test_tokens_by_their_looks(self):
        fernet = "gAAAAABm" + "x_-9" * 40
        web = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP"
        self.assertEqual("saw *** and ***.", mask(f"saw {fernet} and {web}."))

    def test_masked_again(self):
        once = mask(PLANTED)
        self.assertEqual(once, mask(once))

    def test_lines_without_end_take_no_longer(self):
        began = clock.monotonic()
        for unit in ("a", "a-", "a.", "password", "x=", "nbd://", "-----BEGIN ", "'\\", "a://b:"):
            mask(unit * (50_000 // len(unit)))
        self.assertLess(clock.monotonic() - began, 10)

    @given(
        st.sampled_from(PLANTED.splitlines()),
        st.text("abcXYZ019+_-", min_size=12, max_size=40), st.text(max_size=30),
    )
    @settings(max_examples=300, deadline=None)
    def test_any_secret_in_any_surroundings(self, line, secret, around):
        secret = f"S{secret}"
        text = f"{around}\n{line.replace(SECRET, secret)}\n{around}"
        self.assertNotIn(secret, mask(text))
