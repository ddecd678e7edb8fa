/** @returns {{on: (event: string, fn: (detail: any) => void) => (() => void), emit: (event: string, detail?: any) => void}} */
export function createEvents(): {
    on: (event: string, fn: (detail: any) => void) => (() => void);
    emit: (event: string, detail?: any) => void;
};
