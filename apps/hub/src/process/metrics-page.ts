export const METRICS = Symbol('MetricsPage');

export interface MetricsPage {
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}
