"""What real threads put into a mailbox comes out, in order, without stalling the others."""

import testtools

from mycloud.common import clock, concurrency


class MailboxTest(testtools.TestCase):
    def test_messages_of_a_real_thread_arrive_in_order(self):
        mailbox = concurrency.Mailbox()

        def tell():
            for number in range(1000):
                mailbox.put(number)

        concurrency.native_thread(tell)
        self.assertEqual(list(range(1000)), [mailbox.get(5) for _ in range(1000)])

    def test_reader_waits_without_stalling_the_others(self):
        mailbox = concurrency.Mailbox()
        reader = concurrency.spawn(mailbox.get, 5)
        concurrency.sleep(0)
        self.assertFalse(reader.done)
        concurrency.native_thread(mailbox.put, "hello")
        self.assertEqual("hello", reader.wait(5))

    def test_more_rings_than_the_bell_holds(self):
        mailbox = concurrency.Mailbox()
        for number in range(70_000):
            mailbox.put(number)
        self.assertEqual(0, mailbox.get(1))
        self.assertEqual(69_999, [mailbox.get(1) for _ in range(69_999)][-1])

    def test_nothing_comes(self):
        started = clock.monotonic()
        self.assertRaises(TimeoutError, concurrency.Mailbox().get, 0.05)
        self.assertLess(clock.monotonic() - started, 2)
