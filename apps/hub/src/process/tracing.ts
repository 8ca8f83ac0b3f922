import { createRequire } from 'node:module';

/**
 * OpenTelemetry traces, when an OTLP endpoint is set. Imported before anything else (main.ts): instrumentation must
 * patch modules before they are used. The CommonJS modules that ESM code imports are not patched by themselves;
 * requiring them once here does it at no cost, where the documented loader hook costs two seconds and 120 MB.
 */
if (process.env.OTEL_EXPORTER_OTLP_ENDPOINT) {
  process.env.OTEL_NODE_RESOURCE_DETECTORS ??= 'env';
  process.env.OTEL_SERVICE_NAME ??= 'wavegate-hub';
  const [{ NodeSDK }, { OTLPTraceExporter }, { GrpcInstrumentation }, { HttpInstrumentation }, express, postgres] =
    await Promise.all([
      import('@opentelemetry/sdk-node'),
      import('@opentelemetry/exporter-trace-otlp-grpc'),
      import('@opentelemetry/instrumentation-grpc'),
      import('@opentelemetry/instrumentation-http'),
      import('@opentelemetry/instrumentation-express'),
      import('@opentelemetry/instrumentation-pg'),
    ]);
  const sdk = new NodeSDK({
    traceExporter: new OTLPTraceExporter(),
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: (request) => /^\/(livez|readyz|metrics)/.test(request.url ?? ''),
      }),
      new express.ExpressInstrumentation(),
      // The agents' stream lasts for hours: a span of it would say nothing.
      new GrpcInstrumentation({ ignoreGrpcMethods: ['Connect'] }),
      new postgres.PgInstrumentation({ requireParentSpan: true }),
    ],
  });
  sdk.start();
  const require = createRequire(import.meta.url);
  require('@grpc/grpc-js');
  require('express');
  process.once('beforeExit', () => void sdk.shutdown());
}
