/** What servers, middleware and applications need besides: wsgiref.util and a little more. */
export { FileWrapper } from './file-wrapper.js';
export { formatDateTime, isHopByHop } from './http.js';
export { utf8ToWsgi, wsgiToUtf8 } from './native.js';
export { shiftPathInfo } from './path.js';
export { readChunks } from './read-chunks.js';
export { setupTestingDefaults } from './testing.js';
export { applicationUri, guessScheme, requestUri } from './uri.js';
