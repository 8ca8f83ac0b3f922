export { count, named, type Check, type ClusterFinding, type CodeDoc } from './check.js';
export { drainPreview, type DrainPreviewRow, type DrainVerdict } from './drain-preview.js';
export type { ClusterPicture } from './picture.js';
export { bareContext, defaultSpec, type PreflightContext } from './preflight-context.js';
export { CHECKS, documentedCodes } from './registry.js';
export { docOf, runChecks } from './run-checks.js';
export { runObjectiveCheck, runPreflight, type KnownBeside, type PreflightMeans } from './run-preflight.js';
export { summaryOf, type PictureSummary } from './summary.js';
export { ClusterUnreachable, takePicture } from './take-picture.js';
