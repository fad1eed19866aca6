export const LIBRARY: string[];
export const OWN: string[];
export const INTERNAL: RegExp;
