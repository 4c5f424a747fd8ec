"""A server that is stopped at once leaves its caller alone."""

import testtools

from mycloud.common import concurrency, wsgi_server


class StopTest(testtools.TestCase):
    def test_an_impatient_stop_leaves_no_wake_up_behind(self):
        sock = wsgi_server.listen("127.0.0.1", 0)
        server = wsgi_server.Server(lambda *_: [b""], sock, wsgi_server.ServerSettings())
        self.addCleanup(server.close)
        for _ in range(3):
            server.start()
            server.stop(0)
            # a stray wake-up would end this wait, with () for its result
            self.assertEqual("done", concurrency.run_native(lambda: "done"))
