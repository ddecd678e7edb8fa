// Waiting for things to happen: always for a condition, never for a length of time alone.

// Valgrind makes the server some thirty times slower, and the sanitizers some three times;
// a patience this long is only ever used up by a test that fails.
export const PATIENCE_MS = Number(
  process.env.WHILST_PATIENCE_MS || (process.env.WHILST_WRAPPER ? 180_000 : 60_000),
);

// Options for a test in which somebody waits and time is not the point: whatever is slow, nobody is given up.
export const UNHURRIED = ['--hedge', '3600000', '--answer-timeout', '3600000', '--answer-total-timeout', '3600000',
  '--fetch-timeout', '3600000', '--header-timeout', '3600'];

// Whether the long form of a test is wanted (label soak).
export const SOAK = Boolean(process.env.WHILST_SOAK);

// The promise's outcome, or an error saying that `what` did not happen in time. `what` may
// be a function, for words that are only known at the end.
export async function within(promise, what, patience_ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const words = typeof what === 'function' ? what() : what;
      reject(new Error(`${words}: not within ${patience_ms} ms`));
    }, patience_ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Asks `probe` again and again until its answer is true in JavaScript's sense, and gives
// that answer back. For facts that nobody announces, such as a gauge or an accepted port.
export async function until(probe, what, patience_ms = PATIENCE_MS) {
  const end = Date.now() + patience_ms;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > end) {
      const words = typeof what === 'function' ? what() : what;
      throw new Error(`${words}: not within ${patience_ms} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
