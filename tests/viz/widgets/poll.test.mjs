// When the badge asks the server again: once, and never at the moment of a key or a click.

import assert from "node:assert/strict";
import test from "node:test";

import poll from "../../../viz/widgets/poll/poll.js";

/** Draws the component with mocked timers; what it has asked so far, and how it is cleaned up. */
function draw(context, seconds = 0.25) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.document = new EventTarget();
  const asked = [];
  const cleanup = poll({
    data: [{ seconds, token: "1" }],
    parentElement: { isConnected: false },
    setTriggerValue: (name, value) => asked.push([name, value]),
  });
  return { asked, cleanup };
}

test("it asks once", (context) => {
  const { asked } = draw(context);
  context.mock.timers.tick(249);
  assert.deepEqual(asked, []);
  context.mock.timers.tick(1000);
  assert.deepEqual(asked, [["elapsed", "1"]]);
});

test("a key or a click goes first", (context) => {
  const { asked } = draw(context);
  for (const event of ["pointerdown", "click", "keydown"]) {
    context.mock.timers.tick(240);
    document.dispatchEvent(new Event(event));
  }
  context.mock.timers.tick(240);
  assert.deepEqual(asked, []);
  context.mock.timers.tick(10);
  assert.equal(asked.length, 1);
});

test("where it is no longer drawn it asks nothing", (context) => {
  const { asked, cleanup } = draw(context);
  cleanup();
  document.dispatchEvent(new Event("keydown"));
  context.mock.timers.tick(1000);
  assert.deepEqual(asked, []);
});
