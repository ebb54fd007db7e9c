"""The scenarios of handlers-subjects.ts, played by CPython's handlers."""

import io
import sys
import time
import types
from wsgiref import handlers

# Date is the same on both sides: the epoch.
handlers.time = types.SimpleNamespace(time=lambda: 0, gmtime=time.gmtime)


class Failure(Exception):
    pass


def respond(case):
    """What went to the client, how often the body was closed, and whether an error was reported."""
    out, err = io.BytesIO(), io.StringIO()
    environ = {
        "REQUEST_METHOD": case["method"],
        "SERVER_PROTOCOL": case["protocol"],
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
    }
    kind = handlers.BaseCGIHandler if case["cgi"] else handlers.SimpleHandler
    handler = kind(io.BytesIO(), out, err, environ)
    handler.os_environ = {}
    handler.http_version = case["httpVersion"]
    handler.server_software = case["serverSoftware"]
    app = ScriptedApplication(case)
    handler.run(app)
    return {
        "out": out.getvalue().decode("latin-1"),
        "closed": app.closed,
        "reported": err.getvalue() != "",
    }


def fail(case):
    """Whether run() raises, and the connection is ended, where an error is late, or its page fails, too."""
    out = io.BytesIO()
    environ = {"SERVER_PROTOCOL": "HTTP/1.0"}
    handler = handlers.SimpleHandler(io.BytesIO(), out, io.StringIO(), environ)
    handler.os_environ = {}

    def app(environ, start_response):
        if case["late"]:
            start_response("200 OK", [])(b"begun")
        raise Failure()

    def error_output(environ, start_response):
        raise Failure()

    handler.error_output = error_output
    try:
        handler.run(app)
    except Failure:
        return {"raised": True, "ended": out.closed}
    return {"raised": False, "ended": out.closed}


class ScriptedApplication:
    def __init__(self, case):
        self.case = case
        self.closed = 0

    def __call__(self, environ, start_response):
        self.start_response = start_response
        for step in self.case["call"]:
            self.perform(step)
        body = self.case["body"]
        if "list" in body:
            return self.closing(list)(chunk(item) for item in body["list"])
        if "iterator" in body:
            return self.closing(object, self.steps(body["iterator"]))()
        return body["other"]

    def closing(app, base, iterator=None):
        class Body(base):
            def close(self):
                app.closed += 1

        if iterator is not None:
            Body.__iter__ = lambda self: iterator
        return Body

    def steps(self, steps):
        for step in steps:
            if "chunk" in step:
                yield chunk(step["chunk"])
            else:
                self.perform(step)

    def perform(self, step):
        if "start" in step:
            self.start(*step["start"])
        elif "write" in step:
            self.write(chunk(step["write"]))
        elif "try" in step:
            try:
                self.perform(step["try"])
            except Exception:
                pass
        else:
            raise Failure()

    def start(self, status, headers, caught):
        headers = [tuple(pair) for pair in headers]
        if not caught:
            self.write = self.start_response(status, headers)
            return
        try:
            raise Failure()
        except Failure:
            self.write = self.start_response(status, headers, sys.exc_info())


def chunk(item):
    return item["text"] if isinstance(item, dict) else item.encode("latin-1")
