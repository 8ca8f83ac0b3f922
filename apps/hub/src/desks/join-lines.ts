/** What an agent must know to join, the token aside. */
export interface JoinTarget {
  readonly gateway: string;
  readonly enrolment: string;
  readonly caSha256: string;
  /** The agent's chart, as helm takes it. */
  readonly chart: string;
}

/** Ready to be pasted into a shell. Texts, since helm would read a pin of digits alone as a number. */
export function joinLines(
  { gateway, enrolment, caSha256, chart }: JoinTarget,
  token: string,
): { readonly helm: string; readonly command: string } {
  const values = { 'hub.gateway': gateway, 'hub.enrolment': enrolment, 'hub.caSha256': caSha256, 'join.token': token };
  const set = Object.entries(values).map(([name, value]) => `--set-string ${name}=${value}`);
  const flags = `--hub-gateway ${gateway} --hub-enrolment ${enrolment} --ca-sha256 ${caSha256} --join ${token}`;
  return {
    helm: `helm install wavegate-agent ${chart} --namespace wavegate --create-namespace ${set.join(' ')}`,
    command: `wavegate-agent run ${flags}`,
  };
}

/** What would keep these lines from working in a cluster, each with its cure; none where nothing is known against them. */
export function joinWarnings({ gateway, enrolment, chart }: JoinTarget): readonly string[] {
  const deaf = [gateway, enrolment].filter((address) => isThisMachine(address));
  const warnings: string[] = [];
  if (deaf.length > 0) {
    warnings.push(
      `Only the hub's own machine reaches ${[...new Set(deaf)].join(' and ')}: no pod can dial that. Start the hub with ` +
        'WAVEGATE_PUBLIC_GATEWAY and WAVEGATE_PUBLIC_ENROLMENT set to HOST:PORT as clusters reach it ' +
        '(and WAVEGATE_GATEWAY, WAVEGATE_ENROLMENT listening there).',
    );
  }
  if (!/^(oci:|https?:|\/)/.test(chart)) {
    warnings.push(
      `The chart ${chart} is a path: helm looks for it from the folder it is run in (WAVEGATE_AGENT_CHART).`,
    );
  }
  return warnings;
}

/** Loopback, or "every address", which is a place to listen at and none to dial. */
export function isThisMachine(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return /^(localhost|127(\.\d{1,3}){3}|0\.0\.0\.0|::1?|)$/i.test(host);
}
