/* The message sequence of a trace (/proc/minnow/trace) as a picture: a lane for each program and
 * service, an arrow for each message. sequence(element, text, options) draws; `text` is the trace's
 * lines. options: instruction: nanoseconds of an instruction, where the machine's clock counts
 * them; without: names of programs and services that are hidden at first; end: show the end; view:
 * what is shown first (VIEWS).
 * CATALOGUE has what an operation is and what its words are called, by name. */
function sequence(element, text, options = {}) {
  const ROW = 22, TIME = 84, BLOCK = 100;
  const names = new Map(); // of a process, which changes its name at exec: the last
  const records = parse(text), lanes = [...new Set(records.flatMap(r => [lane(r.from), lane(r.to)]))]
    .filter(name => name !== '-').sort((a, b) => isProgram(b) - isProgram(a));
  const hidden = new Set(lanes.filter(name => (options.without || []).includes(title(name).replace(/\[.*/, ''))));
  const kinds = new Set(['own']);
  const expired = records.filter(r => r.op === 'SCHED_EXPIRED' || r.op === 'SCHED_REALTIME');
  const faults = records.filter(r => r.op === 'PM_FAULT');
  const fits = fitting();
  let wide = fits, chosen = null;
  let shown = options.view || (element.clientWidth && element.clientWidth < 560 ? 'list' : 'lanes');

  function isProgram(name) { return name.includes('['); }
  /* Lanes as wide as fill the place, and as people can read. */
  function fitting() {
    return Math.max(72, Math.min(130, (element.clientWidth - TIME - 4) / (lanes.length - hidden.size)));
  }
  function lane(name) { return name.replace(/^.*\[/, '['); }
  function title(lane) { return names.get(lane) || lane; }
  function escape(s) { return s.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`); }

  /* Columns: number 8, time 16, from 20, to 20, what 32, words. */
  function parse(text) {
    const found = [], open = new Map();
    for (const line of text.split('\n')) {
      const m = /^\s*(\d+)\s+([\d.]+) (.{20}) (.{20}) (.{32}) (.*?)\s*$/.exec(line);
      if (!m) continue;
      const [verb, op] = m[5].trim().split(' ');
      const r = { number: +m[1], us: +m[2], from: m[3].trim(), to: m[4].trim(), verb, op, words: m[6] };
      r.kind = verb === 'failed' || verb === 'ended' ? 'death'
        : verb === 'asks' ? 'fault'
        : verb === 'notified' || verb === 'notify' ? 'notify'
        : m[6].startsWith('= ') && !isProgram(r.from) ? 'reply'
        : r.to === '-' ? 'own' : 'call';
      if (r.kind === 'call' && !verb.startsWith('forward') || r.kind === 'fault') open.set(r.from, r);
      const answered = r.kind === 'reply' && open.get(r.to);
      if (answered) {
        answered.result = r.words.slice(2); answered.took = r.us - answered.us;
        r.answers = answered; open.delete(r.to);
      }
      if (isProgram(r.from)) names.set(lane(r.from), r.from);
      found.push(r);
    }
    return found;
  }

  /* "4096", "-2 ENOENT" */
  function result(words) {
    const value = +words, name = value < 0 && value > -200 && CATALOGUE.errors[-value];
    return name ? `-${name}` : value > 1e9 ? `0x${value.toString(16)}` : words;
  }

  function label(r) {
    const what = r.verb === 'asks' ? r.op : isProgram(r.from) ? r.verb
      : r.op ? `${r.verb.startsWith('forward') ? '\u21e5 ' : ''}${r.op}` : r.verb;
    if (r.kind === 'reply') return `= ${result(r.words.slice(2))}`;
    if (r.kind === 'own' && !isProgram(r.from)) return ownCall(r);
    return what + (r.result === undefined ? '' : ` = ${result(r.result)}`);
  }

  /* A kernel call of a service, in words where that says more than its name. */
  function ownCall(r) {
    const w = r.words.split(' ').map(word => parseInt(word, 16));
    return r.verb === 'copy' ? `copy ${w[3]} bytes` : r.verb;
  }

  function duration(us) {
    const ns = options.instruction;
    return ns ? `${Math.round(us * 1000 / ns).toLocaleString('en')} instructions` : `${us.toFixed(1)} \u00b5s`;
  }

  function since(r) { return (r.us - records[0].us).toFixed(1); }

  function visible() {
    return records.filter(r => !kinds.has(r.kind) && !hidden.has(lane(r.from))
      && (r.to === '-' || !hidden.has(lane(r.to))));
  }

  /* ---- lanes and arrows ---- */

  function drawn(rows) {
    const shown = lanes.filter(name => !hidden.has(name)), width = TIME + shown.length * wide;
    const x = name => TIME + (shown.indexOf(lane(name)) + .5) * wide;
    const head = shown.map(name => `<text x="${x(name)}" y="18" text-anchor="middle">${escape(title(name))}</text>`).join('');
    let html = `<div class=head style="width:${width}px"><svg width=${width} height=26 viewBox="0 0 ${width} 26">${head}</svg></div>`;
    for (let at = 0; at < rows.length; at += BLOCK) {
      const part = rows.slice(at, at + BLOCK), height = part.length * ROW;
      html += `<svg class=block width=${width} height=${height} viewBox="0 0 ${width} ${height}" style="contain-intrinsic-size:${width}px ${height}px">`
        + shown.map(name => `<line class=lane x1=${x(name)} x2=${x(name)} y1=0 y2=${height} />`).join('')
        + part.map((r, i) => arrow(r, x, i * ROW, width)).join('') + '</svg>';
    }
    return html;
  }

  function arrow(r, x, top, width) {
    const y = top + 16, from = x(r.from), to = r.to === '-' ? from : x(r.to), right = to >= from;
    const tip = right ? -6 : 6;
    const picture = r.to === '-' || from === to
      ? (r.kind === 'death' ? `<text x=${from} y=${y + 4} text-anchor=middle style="fill:currentColor;font-size:16px">\u2715</text>`
                            : `<circle cx=${from} cy=${y} r=3 />`)
        + `<text x=${from + 9} y=${y + 4}>${escape(label(r))}</text>`
      : `<line x1=${from} x2=${to} y1=${y} y2=${y} /><path class=tip d="M${to} ${y}l${tip} -4v8z" />`
        + `<text x=${from - tip} y=${y - 3} text-anchor=${right ? 'start' : 'end'}>${escape(label(r))}</text>`;
    return `<g class="row ${r.kind}" data-n=${r.number}><rect class=hit x=0 y=${top} width=${width} height=${ROW} />`
      + `<text class=time x=${TIME - 8} y=${y} text-anchor=end>${since(r)}</text>${picture}</g>`;
  }

  function list(rows) {
    return '<ol>' + rows.map(r => `<li class=${r.kind} data-n=${r.number}><small>${since(r)}</small> ${escape(r.from)}`
      + `${r.to === '-' ? '' : ` \u2192 ${escape(r.to)}`} <b>${escape(label(r))}</b></li>`).join('') + '</ol>';
  }

  /* ---- schedule and faults: over time ---- */

  const PALETTE = ['#1f5f8b', '#1a7f4b', '#8a5a00', '#9a3fb5', '#b3261e', '#5f6b78', '#00788a', '#a04a00'];
  function wordsOf(r) { return r.words.split(' ').map(word => Number(BigInt('0x' + word))); }

  /* A frame with room at the left, and at the bottom the time in which those records were made. */
  function overTime(shown, height, inside) {
    const left = 110, width = Math.max(600, view.clientWidth - 4) * Math.max(1, wide / fits);
    const last = shown[shown.length - 1].us, begin = Math.max(records[0].us, shown[0].us - (last - shown[0].us) / 20);
    const span = Math.max(last - begin, 1);
    const x = us => left + (us - begin) / span * (width - left - 40);
    let marks = '';
    for (let i = 0; i <= 8; i++) {
      const us = begin + span * i / 8;
      marks += `<line class=lane x1=${x(us)} x2=${x(us)} y1=0 y2=${height} /><text class=time x=${x(us)} y=${height + 14}`
        + ` text-anchor=middle>${((us - records[0].us) / 1000).toFixed(1)} ms</text>`;
    }
    return `<svg width=${width} height=${height + 22} viewBox="0 0 ${width} ${height + 22}">${marks}${inside(x)}</svg>`;
  }

  /* When each thread had used up a quantum: it ran for so long before. Colour: its priority. */
  function schedule() {
    const threads = [...new Set(expired.map(r => `${lane(r.from)}#${wordsOf(r)[0]}`))], used = new Map();
    const priorities = [...new Set(expired.map(r => wordsOf(r)[1]))].sort((a, b) => a - b);
    const colour = p => PALETTE[priorities.indexOf(p) % PALETTE.length];
    const bars = x => expired.map(r => {
      const [thread, priority, , cpu] = wordsOf(r), key = `${lane(r.from)}#${thread}`, row = threads.indexOf(key);
      const ran = used.has(key) ? (cpu - used.get(key)) / 1000 : 0;
      used.set(key, cpu);
      return `<rect class=spot data-n=${r.number} x=${x(Math.max(r.us - ran, records[0].us))} y=${row * 24 + 4} height=16`
        + ` width=${Math.max(1.5, x(r.us) - x(Math.max(r.us - ran, records[0].us)))} fill=${colour(priority)}>`
        + `<title>${escape(r.from)}: priority ${priority}, ${(ran / 1000).toFixed(2)} ms of processor time</title></rect>`;
    }).join('');
    const names = threads.map((key, row) => `<text x=100 y=${row * 24 + 17} text-anchor=end>${escape(title(key.split('#')[0]))}</text>`);
    return `<p>${priorities.map(p => `<b style="color:${colour(p)}">\u25a0</b> priority ${p} `).join('')}</p>`
      + overTime(expired, threads.length * 24, x => names.join('') + bars(x));
  }

  /* Which page was missing when: a row for each page, those without a fault left out. */
  function pagesOf(r) { return lane(r.from) + ' ' + (wordsOf(r)[0] - wordsOf(r)[0] % 4096).toString(16); }
  function faultPicture() {
    const byAddress = (a, b) => (a.length - b.length) || (a < b ? -1 : 1);
    const pages = [...new Set(faults.map(pagesOf))].sort(byAddress), step = Math.max(3, Math.min(12, 480 / pages.length));
    const kind = r => { const how = wordsOf(r)[1]; return how & 4 ? 'fault' : how & 1 ? 'death' : 'call'; };
    const dots = x => faults.map(r => `<circle class="spot ${kind(r)}" data-n=${r.number} r=3 style="fill:var(--c)" cx=${x(r.us)}`
      + ` cy=${(pages.indexOf(pagesOf(r)) + .5) * step}><title>${escape(r.from)}, page ${pagesOf(r).split(' ')[1]}</title></circle>`).join('');
    return '<p><b class=call style="color:var(--c)">\u25cf</b> read <b class=death style="color:var(--c)">\u25cf</b> written '
      + '<b class=fault style="color:var(--c)">\u25cf</b> there, but not to be used so (copy on write)</p>'
      + overTime(faults, pages.length * step, dots);
  }

  /* ---- what was clicked ---- */

  function detail(r) {
    const known = CATALOGUE.operations[r.op] || (!isProgram(r.from) && CATALOGUE.calls[r.verb]) || {};
    const rows = [['time', `${since(r)} \u00b5s after the first; record ${r.number}`], ['from', r.from], ['to', r.to]];
    if (r.kind === 'reply') rows.push(['result', result(r.words.slice(2))]);
    else r.words.split(' ').forEach((word, i) => {
      const name = (known.words || [])[i] || (isProgram(r.from) ? `argument ${i}` : `word ${i}`);
      if (name !== '-') rows.push([name, `${parseInt(word, 16)} (0x${word})`]);
    });
    if (r.result !== undefined) rows.push(['result', result(r.result)], ['took', duration(r.took)]);
    if (r.answers) rows.push(['answers', `${label(r.answers)}, record ${r.answers.number}`], ['after', duration(r.us - r.answers.us)]);
    if (known.meaning) rows.push(['meaning', known.meaning]);
    return `<b>${escape([r.verb, r.op].filter(Boolean).join(' '))}</b><dl>`
      + rows.map(([a, b]) => `<dt>${escape(a)}</dt><dd>${escape(String(b))}</dd>`).join('') + '</dl>';
  }

  function choose(n) {
    chosen = n;
    element.querySelectorAll('.chosen').forEach(e => e.classList.remove('chosen'));
    const at = element.querySelector(`[data-n="${n}"]`), r = records.find(r => r.number === n);
    if (at) at.classList.add('chosen');
    element.querySelector('.detail').innerHTML = r ? detail(r) : '';
  }

  /* ---- the page ---- */

  const KINDS = { call: 'calls', reply: 'replies', notify: 'notifications', fault: "the kernel's calls: faults, signals",
                  death: 'ends', own: 'kernel calls' };
  const VIEWS = { lanes: ['messages', true, drawn], list: ['as a list', true, list],
                  schedule: ['who ran', expired.length, schedule], faults: ['page faults', faults.length, faultPicture] };
  const dropped = records.length ? records[0].number : 0;
  element.classList.add('seq');
  element.innerHTML = `<div class=tools>${Object.entries(KINDS).map(([kind, name]) =>
      `<label class="kind ${kind}"><input type=checkbox data-kind=${kind} ${kinds.has(kind) ? '' : 'checked'}>${name}</label>`).join('')}</div>
    <div class=tools>${lanes.map(name =>
      `<label><input type=checkbox data-lane="${escape(name)}" ${hidden.has(name) ? '' : 'checked'}>${escape(title(name))}</label>`).join('')}</div>
    <div class=tools><button data-do=narrow aria-label=narrower>\u2212</button><button data-do=widen aria-label=wider>+</button>
      ${Object.entries(VIEWS).map(([view, [name, there]]) => there ? `<button data-view=${view}>${name}</button>` : '').join('')}
      <span>${records.length} records${dropped ? `; ${dropped} before them are left out` : ''}</span></div>
    <div class=view></div><div class=detail></div>`;
  const view = element.querySelector('.view');

  function draw() {
    const rows = visible();
    view.innerHTML = rows.length && VIEWS[shown][1] ? VIEWS[shown][2](rows) : '<p>nothing to show</p>';
    element.querySelectorAll('[data-view]').forEach(b => b.setAttribute('aria-pressed', b.dataset.view === shown));
    if (chosen !== null) choose(chosen);
  }
  element.addEventListener('change', event => {
    const { kind, lane: name = kind } = event.target.dataset, set = kind ? kinds : hidden;
    if (event.target.checked) set.delete(name); else set.add(name);
    draw();
  });
  element.addEventListener('click', event => {
    const { do: what, view: other } = event.target.dataset, row = event.target.closest('[data-n]');
    if (row) choose(+row.dataset.n);
    if (what === 'narrow' || what === 'widen') wide = Math.min(400, Math.max(48, wide * (what === 'widen' ? 1.25 : .8)));
    if (other) shown = other;
    if (what || other) draw();
  });
  draw();
  if (options.end) view.scrollTop = view.scrollHeight;
}
