export { AgentConnection, StreamOver } from './agent-connection.js';
export { AGENT_LIFETIME_MS, BadCertificateRequest, CertificateAuthority } from './certificate-authority.js';
export { clusterOf, clusterUri, serialOf } from './cluster-identity.js';
export { EnrolmentServer, type EnrolmentServerOptions } from './enrolment-server.js';
export { GatewayServer, type GatewayServerOptions } from './gateway-server.js';
export * from './ports.js';
export { RateLimit } from './rate-limit.js';
export { ServerCertificate } from './server-certificate.js';
