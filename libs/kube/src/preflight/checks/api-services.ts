import { BOTH, type Check, type Found } from '../check.js';

/** Aggregated APIs (metrics-server, custom metrics) that do not answer. */
export const apiServices: Check = {
  id: 'api-services',
  phases: BOTH,
  needs: ['apiServices'],
  codes: [
    {
      code: 'api_service_unavailable',
      title: 'An aggregated API does not answer',
      meaning:
        'An APIService is not Available. Discovery is slow and incomplete, and namespaces cannot be deleted while it lasts; autoscalers may be blind.',
      remedy: 'Bring its backend back, or delete the APIService if its owner is gone.',
    },
  ],
  run({ apiServices: services }) {
    return services
      .filter(({ available }) => !available)
      .map(({ name, message }): Found => {
        const remedy = 'bring its backend back, or delete the APIService';
        return {
          code: 'api_service_unavailable',
          object: name,
          message: `APIService ${name} is not available: ${message}`,
          remedy,
        };
      });
  },
};
