import { type Application, utf8ToWsgi } from '@wsgi/core';

/**
 * Asks for a name and a password (RFC 7617), and puts the name into REMOTE_USER.
 *
 * @param check - whether the password is the user's; compare in constant time (`timingSafeEqual` of node:crypto).
 */
export function basicAuth(
  app: Application,
  check: (user: string, password: string) => boolean | Promise<boolean>,
  realm = 'restricted',
): Application {
  return (environ, startResponse) => {
    const [user = '', password = ''] = credentials(environ.HTTP_AUTHORIZATION ?? '');
    const answer = (known: boolean) => {
      if (!known) {
        const challenge = `Basic realm="${realm}", charset="UTF-8"`;
        startResponse('401 Unauthorized', [
          ['Content-Type', 'text/plain'],
          ['WWW-Authenticate', challenge],
        ]);
        return [Buffer.from('Who are you?\n')];
      }
      environ.AUTH_TYPE = 'Basic';
      environ.REMOTE_USER = utf8ToWsgi(user);
      return app(environ, startResponse);
    };
    const known = user !== '' && check(user, password);
    // A check that does not wait keeps a synchronous application synchronous. A promise is told by what it is not: one
    // of a library's own, taken for an answer, would let everyone in.
    return typeof known === 'boolean' ? answer(known) : Promise.resolve(known).then(answer);
  };
}

/**
 * The name and the password of an Authorization field. The password may hold colons, the name may not; and neither a
 * control character (RFC 7617 section 2), with which a name could add a line to a log.
 */
function credentials(field: string): string[] {
  const [, encoded = ''] = /^basic +([\w+/]+=*) *$/i.exec(field) ?? [];
  return (
    /^([^:\p{Cc}]+):(\P{Cc}*)$/u.exec(Buffer.from(encoded, 'base64').toString())?.slice(1) ?? []
  );
}
