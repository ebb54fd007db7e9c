"""The 13 bytes from Python's WSGI servers."""
import socket
import sys


def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '13')])
    return [b'Hello, world!']


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def serve_wsgiref():
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    server = make_server('127.0.0.1', 0, app, handler_class=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()


def serve_waitress():
    import logging

    import waitress

    logging.getLogger('waitress').setLevel(logging.ERROR)

    port = free_port()
    print(port, flush=True)
    waitress.serve(app, host='127.0.0.1', port=port, threads=4)


def serve_gunicorn():
    from gunicorn.app.base import BaseApplication

    port = free_port()

    class Server(BaseApplication):
        def load_config(self):
            self.cfg.set('bind', f'127.0.0.1:{port}')
            self.cfg.set('workers', 1)
            self.cfg.set('threads', 4)
            self.cfg.set('loglevel', 'critical')

        def load(self):
            return app

    print(port, flush=True)
    Server().run()


{'wsgiref': serve_wsgiref, 'waitress': serve_waitress, 'gunicorn': serve_gunicorn}[sys.argv[1]]()
