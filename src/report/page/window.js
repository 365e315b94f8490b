// Which rows the diagram shows, and where: a window is one or more segments of shown rows, each with its own scale. One
// segment is the usual case; the story of a violation has one around each of its sentences, with breaks between them.

/** @typedef {"time" | "rank" | "causal"} Axis */
/** @typedef {{from: number, to: number}} Part a range of shown rows, `to` excluded */
/** @typedef {{from: number, to: number, first: number, last: number, low: number, high: number, x0: number, x1: number}} Segment
 *   `from..to` among the shown rows, `first..=last` as rows, `low..=high` as coordinates of the axis */
/** @typedef {{axis: Axis, segments: Segment[], rows: Int32Array, count: number, coordinate: (row: number) => number}} Frame */

/** Space at both ends of a segment, in pixels. */
const SEGMENT_PAD = 16;
/** Space between two segments. */
const BREAK = 30;

/** What an axis calls the place of a row.
 * @param {Model} model @param {Axis} axis @param {Int32Array} rows @returns {(row: number) => number} */
function coordinateOf(model, axis, rows) {
  if (axis === "time") return (row) => model.trace.events.t[row];
  if (axis === "causal") {
    const ranks = model.causal();
    return (row) => ranks[row];
  }
  return (row) => lowerBound(rows, row);
}

/** Lays parts of the shown rows out between two pixels.
 * @param {Model} model @param {Int32Array} rows @param {Part[]} parts @param {Axis} axis @param {number} left @param {number} right @returns {Frame} */
function layOut(model, rows, parts, axis, left, right) {
  const coordinate = coordinateOf(model, axis, rows);
  const weights = parts.map((part) => part.to - part.from + 3);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const room = right - left - BREAK * (parts.length - 1);
  let x = left,
    count = 0;
  const segments = parts.map((part, i) => {
    const width = (room * weights[i]) / total;
    const [low, high] = extent(rows, part, axis, coordinate);
    const segment = { ...part, first: rows[part.from], last: rows[part.to - 1], low, high, x0: x, x1: x + width };
    x += width + BREAK;
    count += part.to - part.from;
    return segment;
  });
  return { axis, segments, rows, count, coordinate };
}

/** The lowest and highest coordinate of a part.
 * @param {Int32Array} rows @param {Part} part @param {Axis} axis @param {(row: number) => number} coordinate @returns {[number, number]} */
function extent(rows, part, axis, coordinate) {
  let low = coordinate(rows[part.from]),
    high = coordinate(rows[part.to - 1]);
  if (axis !== "causal") return [low, high];
  for (let i = part.from; i < part.to; i++) {
    const place = coordinate(rows[i]);
    if (place < low) low = place;
    if (place > high) high = place;
  }
  return [low, high];
}

/** Where a coordinate lies within a segment. @param {Segment} segment @param {number} place @returns {number} */
function within(segment, place) {
  const x0 = segment.x0 + SEGMENT_PAD,
    x1 = segment.x1 - SEGMENT_PAD;
  if (segment.high === segment.low) return (x0 + x1) / 2;
  return x0 + ((place - segment.low) / (segment.high - segment.low)) * (x1 - x0);
}

/** The segment that holds a row, or null. @param {Frame} frame @param {number} row @returns {Segment | null} */
function segmentOf(frame, row) {
  for (const segment of frame.segments) if (row >= segment.first && row <= segment.last) return segment;
  return null;
}

/** Where a row lies; a row outside all segments is put at the edge of the nearest one after it.
 * @param {Frame} frame @param {number} row @returns {number} */
function xOf(frame, row) {
  const segment = segmentOf(frame, row);
  if (segment) return within(segment, frame.coordinate(row));
  for (const later of frame.segments) if (row < later.first) return later.x0 + 2;
  return frame.segments[frame.segments.length - 1].x1 - 2;
}

/** Cuts the shown rows to pieces around the rows of a story, `budget` rows in all.
 * @param {Int32Array} rows @param {number[]} story @param {number} budget @returns {Part[]} */
function storyParts(rows, story, budget) {
  const places = [...new Set(story.map((row) => Math.min(lowerBound(rows, row), rows.length - 1)))].sort((a, b) => a - b);
  if (places.length === 0) return [{ from: 0, to: Math.min(rows.length, budget) }];
  const [low, high] = [places[0], places[places.length - 1]];
  if (high - low + 8 <= budget) return [clampPart(rows, low - Math.floor((budget - (high - low)) * 0.6), low + budget)];
  const pad = Math.max(2, Math.floor(budget / places.length / 2));
  /** @type {Part[]} */
  const parts = [];
  for (const place of places) {
    const part = clampPart(rows, place - pad, place + Math.max(3, Math.ceil(pad * 0.6)));
    const before = parts[parts.length - 1];
    if (before && part.from <= before.to + 4) before.to = Math.max(before.to, part.to);
    else parts.push(part);
  }
  return parts;
}

/** @param {Int32Array} rows @param {number} from @param {number} to @returns {Part} */
function clampPart(rows, from, to) {
  const start = Math.max(0, from);
  return { from: start, to: Math.min(rows.length, Math.max(to, start + 1)) };
}

/** Whether the rows of a story are too close in time to be told apart on an axis of time.
 * @param {Frame} frame an axis of time @param {number[]} story @returns {boolean} */
function isCrowded(frame, story) {
  const places = [...new Set(story)].sort((a, b) => a - b).map((row) => xOf(frame, row));
  for (let i = 1; i < places.length; i++) if (places[i] - places[i - 1] < 14) return true;
  let close = 0,
    all = 0;
  for (const segment of frame.segments) {
    for (let i = segment.from + 1; i < segment.to; i++) {
      all++;
      if (xOf(frame, frame.rows[i]) - xOf(frame, frame.rows[i - 1]) < 3) close++;
    }
  }
  return close * 2 > all;
}

/** A step that makes about `count` ticks between two instants: 1, 2 or 5 times a power of ten.
 * @param {number} range @param {number} count @returns {number} */
function niceStep(range, count) {
  const rough = Math.max(1, range / Math.max(1, count));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10;
  return step * power;
}
