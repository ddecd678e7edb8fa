// Named events: who listens, and the way to stop.

/** @returns {{on: (event: string, fn: (detail: any) => void) => (() => void), emit: (event: string, detail?: any) => void}} */
export function createEvents() {
  const listeners = new Map(); // event -> Set of functions
  return {
    on(event, fn) {
      const listener = (detail) => fn(detail); // one entry per call, even for the same function
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(listener);
      return () => void listeners.get(event).delete(listener);
    },
    emit(event, detail) {
      for (const listener of [...(listeners.get(event) ?? [])]) listener(detail);
    },
  };
}
