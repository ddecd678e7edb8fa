// Named events: who listens, and the way to stop.

/** @returns {{on: (event: string, fn: (detail: any) => void) => (() => void), emit: (event: string, detail?: any) => void}} */
export function createEvents() {
  /** @type {Map<string, Set<(detail: any) => void>>} by event */
  const listeners = new Map();
  return {
    on(event, fn) {
      /** @param {any} detail */
      const listener = (detail) => fn(detail); // one entry per call, even for the same function
      const those = listeners.get(event) ?? new Set();
      listeners.set(event, those.add(listener));
      return () => void those.delete(listener);
    },
    emit(event, detail) {
      for (const listener of [...(listeners.get(event) ?? [])]) listener(detail);
    },
  };
}
