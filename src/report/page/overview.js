// The strip that shows the whole run: roles of every server, faults, violations, and which part the diagram shows.

/** @param {HTMLCanvasElement} canvas @param {Model} model @param {Look} look @param {Frame} frame @param {number} width @param {number} height */
function drawOverview(canvas, model, look, frame, width, height) {
  const pen = freshCanvas(canvas, width, height),
    colour = palette();
  const scale = overviewScale(model, width);
  const servers = model.trace.nodes.map((_, i) => i).filter((i) => model.trace.nodes[i].kind === "server");
  pen.fillStyle = colour("card");
  pen.fillRect(0, 0, width, height);
  overviewFaults(pen, model, look, scale, height, colour);
  const room = (height - 12) / Math.max(1, servers.length);
  servers.forEach((server, i) => overviewRoles(pen, model, look, server, scale, 5 + i * room, Math.max(2, Math.min(8, room - 2)), colour));
  if (!look.veil) overviewViolations(pen, look, model, scale, height, colour);
  overviewWindow(pen, model, look, frame, scale, width, height, colour);
}

/** Where an instant lies in the strip, and back. @param {Model} model @param {number} width */
function overviewScale(model, width) {
  const { t } = model.trace.events;
  const low = t[0],
    high = Math.max(t[model.rows - 1], low + 1),
    left = GUTTER,
    room = width - left - 8;
  return {
    /** @param {number} row */
    x: (row) => left + ((t[Math.min(row, model.rows - 1)] - low) / (high - low)) * room,
    /** @param {number} x */
    time: (x) => low + Math.max(0, Math.min(1, (x - left) / room)) * (high - low),
  };
}

/** @typedef {ReturnType<typeof overviewScale>} Scale */
/** @typedef {(name: string | undefined) => string} Colour */

/** @param {CanvasRenderingContext2D} pen @param {Model} model @param {Look} look @param {Scale} scale @param {number} height @param {Colour} colour */
function overviewFaults(pen, model, look, scale, height, colour) {
  for (const fault of model.trace.faults) {
    if (look.veil && fault.row > look.row) continue;
    const end = fault.end < 0 ? model.rows - 1 : fault.end;
    const x = scale.x(fault.row),
      w = Math.max(2, scale.x(look.veil ? Math.min(end, look.row) : end) - x);
    pen.beginPath();
    pen.rect(x, 0, w, height);
    pen.fillStyle = colour("band");
    pen.fill();
    hatchCanvas(pen, { k: "rect", x, y: 0, w, h: height, hatch: hatchOf(fault.kind) }, colour("hatch"));
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Model} model @param {Look} look @param {number} server @param {Scale} scale @param {number} y @param {number} thick @param {Colour} colour */
function overviewRoles(pen, model, look, server, scale, y, thick, colour) {
  for (const part of model.roles[server]) {
    const ink = roleLook(model, part.role)[1];
    if (ink === "quiet" || (look.veil && part.from > look.row)) continue;
    const to = look.veil ? Math.min(part.to, look.row) : part.to;
    pen.fillStyle = colour(ink);
    pen.fillRect(scale.x(part.from), y, Math.max(1, scale.x(to) - scale.x(part.from)), thick);
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Look} look @param {Model} model @param {Scale} scale @param {number} height @param {Colour} colour */
function overviewViolations(pen, look, model, scale, height, colour) {
  pen.fillStyle = colour("bad");
  for (const row of look.violations) {
    const x = scale.x(row);
    pen.beginPath();
    pen.moveTo(x, height - 9);
    pen.lineTo(x + 5, height);
    pen.lineTo(x - 5, height);
    pen.fill();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Model} model @param {Look} look @param {Frame} frame @param {Scale} scale @param {number} width @param {number} height @param {Colour} colour */
function overviewWindow(pen, model, look, frame, scale, width, height, colour) {
  pen.strokeStyle = colour("fg");
  pen.lineWidth = 1.5;
  for (const segment of frame.segments) {
    const x = scale.x(segment.first);
    pen.strokeRect(x - 1, 1, Math.max(3, scale.x(segment.last) - x + 2), height - 2);
  }
  if (look.veil) {
    pen.fillStyle = colour("card");
    pen.fillRect(scale.x(look.row) + 2, 0, width, height);
  }
  pen.fillStyle = colour("fg");
  pen.fillRect(scale.x(look.row) - 1, 0, 2, height);
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = colour("mut");
  pen.fillText("whole run", 8, height / 2 + 4);
}
