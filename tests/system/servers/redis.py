"""A real Redis of the test's own."""

import redis

from processes import Process, free_port, short_dir, wait_until


class RedisServer(Process):
    """redis-server on a port of loopback, a free one unless one is named; options as in redis.conf, a list for those with more than one value."""

    def __init__(self, name, port=None, **options):
        self.folder = short_dir()
        self.port = port or free_port()
        argv = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        for option, value in options.items():
            argv += [f"--{option.replace('_', '-')}", *(value if isinstance(value, list) else [value])]
        super().__init__(argv, self.folder, name)
        wait_until(self.answers, what=f"{name} answers")

    def answers(self):
        """True once it listens and replies, be it with an error."""
        assert self.is_running(), self.tail()
        try:
            with redis.Redis(port=self.port, socket_timeout=5) as client:
                return client.ping()
        except redis.exceptions.ResponseError:
            return True
        except redis.exceptions.ConnectionError as error:
            return "refused" not in str(error)  # else: NOAUTH and MASTERDOWN come as one
