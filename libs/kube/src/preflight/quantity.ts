const UNITS: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};
const SHAPE = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/;

/** A Kubernetes quantity as a number: "500m" → 0.5, "64Gi" → 68719476736. 0 for what is no quantity. */
export function quantity(text: string | number | undefined): number {
  if (typeof text === 'number') return text;
  const match = SHAPE.exec(text ?? '');
  if (!match) return 0;
  return Number(`${match[1]}${match[2] ?? ''}`) * (UNITS[match[3] ?? ''] ?? 1);
}

/** CPU in millicores, everything else as it is. */
export function amountsOf(resources: Readonly<Record<string, string>> | undefined): Record<string, number> {
  const entries = Object.entries(resources ?? {});
  return Object.fromEntries(
    entries.map(([name, text]) => [name, name === 'cpu' ? quantity(text) * 1000 : quantity(text)]),
  );
}
