// The scope is a room, so that the log can be read room by room.
const rooms = ['fleet', 'rollout', 'upgrade', 'analysis', 'runtime', 'protocol', 'storage', 'kube', 'simulator'];
const programs = ['hub', 'agent', 'console', 'cli'];
const around = ['proto', 'deploy', 'test', 'docs', 'house', 'ci'];

export default {
  extends: ['@commitlint/config-conventional'],
  rules: {
    'scope-enum': [2, 'always', [...rooms, ...programs, ...around]],
    'scope-empty': [2, 'never'],
    'header-max-length': [2, 'always', 100],
    'body-max-line-length': [0],
    'footer-max-line-length': [0],
    // A subject may begin with a proper name (PostgreSQL, REST), which the default refuses.
    'subject-case': [0],
  },
};
