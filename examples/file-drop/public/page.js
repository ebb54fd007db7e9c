// Every address here is relative to the page, so the page works under whatever prefix it is mounted.

const element = (id) => document.getElementById(id);

/** The files as the server last told of them, by name. */
const files = new Map();

const urlOf = (name) => `files/${encodeURIComponent(name)}`;

const collator = new Intl.Collator(undefined, { numeric: true });

function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** Says something to those who do not see the page. */
function announce(text) {
  element('news').textContent = text;
}

// --- The list -------------------------------------------------------------------------------------

function rowOf({ name, size, modified }) {
  const when = new Date(modified);
  const remove = make('button', { type: 'button', textContent: 'Delete' });
  remove.setAttribute('aria-label', `Delete ${name}`);
  remove.addEventListener('click', () => deleteFile(name));
  const row = make(
    'tr',
    {},
    make('td', { className: 'name' }, make('a', { href: urlOf(name), textContent: name })),
    make('td', { className: 'number', textContent: sizeText(size) }),
    make('td', {}, make('time', { dateTime: modified, textContent: when.toLocaleString() })),
    make('td', {}, remove),
  );
  row.dataset.name = name;
  return row;
}

/** Brings the rows into line with `files`. Rows that stay are not touched: they may hold the focus. */
function show() {
  const body = element('files');
  const rows = new Map([...body.rows].map((row) => [row.dataset.name, row]));
  const names = [...files.keys()].sort(collator.compare);
  for (const [name, row] of rows) if (!files.has(name)) removeRow(row);
  for (const [index, name] of names.entries()) {
    const info = files.get(name);
    const old = rows.get(name);
    if (old?.dataset.etag === info.etag) continue;
    const row = rowOf(info);
    row.dataset.etag = info.etag;
    const focused = old?.contains(document.activeElement)
      ? document.activeElement.tagName
      : undefined;
    if (old) old.replaceWith(row);
    else body.insertBefore(row, body.rows[index] ?? null);
    if (focused) row.querySelector(focused)?.focus();
  }
  element('table').hidden = files.size === 0;
  element('none').hidden = files.size > 0;
}

/** A keyboard user who was on the row goes on at the next one, not at the top of the page. */
function removeRow(row) {
  const hadFocus = row.contains(document.activeElement);
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  if (hadFocus) (next?.querySelector('button') ?? element('files-heading')).focus();
}

/** How many changes have come. One that comes while the list does may be newer than the list. */
let changes = 0;

async function load() {
  let list;
  let before;
  do {
    before = changes;
    const response = await fetch('files');
    if (!response.ok) throw new Error(`The list could not be loaded: ${response.status}`);
    list = await response.json();
  } while (changes !== before);
  files.clear();
  for (const info of list) files.set(info.name, info);
  show();
}

async function deleteFile(name) {
  try {
    const response = await fetch(urlOf(name), { method: 'DELETE' });
    if (!response.ok && response.status !== 404) throw new Error(await response.text());
    // The event does this too, and may have come first.
    files.delete(name);
    show();
  } catch (error) {
    announce(`${name} could not be deleted. ${error.message}`);
  }
}

// --- Live changes -----------------------------------------------------------------------------------

function follow() {
  const state = element('connection');
  const source = new EventSource('events');
  source.addEventListener('open', async () => {
    state.textContent = 'Live';
    state.className = 'live';
    // What changed before the stream began, or while it was cut, is in the list.
    await load().catch((error) => announce(error.message));
  });
  source.addEventListener('error', () => {
    state.textContent = 'Connection lost, trying again…';
    state.className = '';
    // A browser gives up for good when the server answers with an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  });
  source.addEventListener('change', (event) => {
    const { type, file } = JSON.parse(event.data);
    changes += 1;
    if (type === 'deleted') files.delete(file.name);
    else files.set(file.name, file);
    show();
    announce(`${file.name} was ${type}.`);
  });
}

// --- Uploads ----------------------------------------------------------------------------------------

/** One after the other: many at once would only share the same line. */
let queue = Promise.resolve();

function add(list) {
  for (const file of list) {
    const upload = prepare(file);
    queue = queue.then(upload);
  }
}

/** Shows a file as waiting; returns the function that sends it and resolves when that is over. */
function prepare(file) {
  const state = make('span', { textContent: 'waiting' });
  const cancel = make('button', { type: 'button', textContent: 'Cancel' });
  cancel.setAttribute('aria-label', `Cancel the upload of ${file.name}`);
  const bar = make('progress', { max: 1, value: 0 });
  bar.setAttribute('aria-label', `Upload of ${file.name}`);
  const item = make(
    'li',
    {},
    make('span', { className: 'name', textContent: file.name }),
    state,
    cancel,
    bar,
  );
  element('uploads').append(item);

  // fetch cannot tell how far an upload is; XMLHttpRequest can.
  const request = new XMLHttpRequest();
  let cancelled = false;
  const drop = () => {
    cancelled = true;
    request.abort();
    if (item.contains(document.activeElement)) element('picker').focus();
    item.remove();
  };
  cancel.addEventListener('click', drop);

  const fail = (message) => {
    state.textContent = message;
    state.className = 'failed';
    bar.remove();
    cancel.textContent = 'Dismiss';
    cancel.setAttribute('aria-label', `Dismiss the failed upload of ${file.name}`);
    announce(`${file.name} was not uploaded. ${message}`);
  };

  return () =>
    new Promise((resolve) => {
      if (cancelled) return resolve();
      request.addEventListener('loadend', resolve);
      request.upload.addEventListener('progress', ({ loaded, total }) => {
        const share = total > 0 ? loaded / total : 1;
        bar.value = share;
        state.textContent = `${Math.floor(share * 100)} %`;
      });
      request.addEventListener('load', () => {
        if (request.status >= 300)
          return fail(request.responseText.trim() || `Error ${request.status}`);
        const info = JSON.parse(request.responseText);
        files.set(info.name, info);
        show();
        drop();
      });
      request.addEventListener('error', () => fail('The connection broke.'));
      request.open('PUT', urlOf(file.name));
      request.send(file);
    });
}

element('picker').addEventListener('change', ({ target }) => {
  add(target.files);
  // So that the same file can be chosen again.
  target.value = '';
});

const area = element('drop');
for (const type of ['dragover', 'dragleave', 'drop']) {
  area.addEventListener(type, (event) => {
    event.preventDefault();
    area.classList.toggle('over', type === 'dragover');
    if (type === 'drop') add(event.dataTransfer.files);
  });
}

follow();
