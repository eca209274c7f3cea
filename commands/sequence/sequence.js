/* The message sequence of a trace (/proc/minnow/trace) as a picture: a lane for each program and
 * service, an arrow for each message. sequence(element, text, options) draws; `text` is the trace's
 * lines. options: instruction: nanoseconds of an instruction, where the machine's clock counts
 * them; without: names of programs and services that are hidden at first; end: show the end.
 * CATALOGUE has what an operation is and what its words are called, by name. */
function sequence(element, text, options = {}) {
  const ROW = 22, TIME = 84, BLOCK = 100;
  const names = new Map(); // of a process, which changes its name at exec: the last
  const records = parse(text), lanes = [...new Set(records.flatMap(r => [lane(r.from), lane(r.to)]))]
    .filter(name => name !== '-').sort((a, b) => isProgram(b) - isProgram(a));
  const hidden = new Set(lanes.filter(name => (options.without || []).includes(title(name).replace(/\[.*/, ''))));
  const kinds = new Set(['own']);
  let wide = fitting(), listed = element.clientWidth && element.clientWidth < 560, chosen = null;

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
    let html = `<div class=head style="width:${width}px"><svg width=${width} height=26>${head}</svg></div>`;
    for (let at = 0; at < rows.length; at += BLOCK) {
      const part = rows.slice(at, at + BLOCK), height = part.length * ROW;
      html += `<svg class=block width=${width} height=${height} style="contain-intrinsic-size:${width}px ${height}px">`
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
  const dropped = records.length ? records[0].number : 0;
  element.classList.add('seq');
  element.innerHTML = `<div class=tools>${Object.entries(KINDS).map(([kind, name]) =>
      `<label class="kind ${kind}"><input type=checkbox data-kind=${kind} ${kinds.has(kind) ? '' : 'checked'}>${name}</label>`).join('')}</div>
    <div class=tools>${lanes.map(name =>
      `<label><input type=checkbox data-lane="${escape(name)}" ${hidden.has(name) ? '' : 'checked'}>${escape(title(name))}</label>`).join('')}</div>
    <div class=tools><button data-do=narrow aria-label=narrower>\u2212</button><button data-do=widen aria-label=wider>+</button>
      <button data-do=list>list or lanes</button><span>${records.length} records${dropped ? `; ${dropped} before them are left out` : ''}</span></div>
    <div class=view></div><div class=detail></div>`;
  const view = element.querySelector('.view');

  function draw() {
    const rows = visible();
    view.innerHTML = rows.length ? listed ? list(rows) : drawn(rows) : '<p>nothing to show</p>';
    if (chosen !== null) choose(chosen);
  }
  element.addEventListener('change', event => {
    const { kind, lane: name = kind } = event.target.dataset, set = kind ? kinds : hidden;
    if (event.target.checked) set.delete(name); else set.add(name);
    draw();
  });
  element.addEventListener('click', event => {
    const what = event.target.dataset.do, row = event.target.closest('[data-n]');
    if (row) choose(+row.dataset.n);
    if (what === 'narrow' || what === 'widen') wide = Math.min(400, Math.max(48, wide * (what === 'widen' ? 1.25 : .8)));
    if (what === 'list') listed = !listed;
    if (what) draw();
  });
  draw();
  if (options.end) view.scrollTop = view.scrollHeight;
}
