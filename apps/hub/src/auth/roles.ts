import { SetMetadata } from '@nestjs/common';

/** What a person (or a portal) may do. Each role is a set of permissions, not a rank: an approver cannot plan. */
export const PERMISSIONS = ['read', 'plan', 'operate', 'approve', 'administer'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const ROLES = {
  viewer: ['read'],
  operator: ['read', 'operate'],
  planner: ['read', 'plan'],
  approver: ['read', 'approve'],
  admin: PERMISSIONS,
} as const satisfies Record<string, readonly Permission[]>;
export type Role = keyof typeof ROLES;

export function isRole(text: string): text is Role {
  return Object.hasOwn(ROLES, text);
}

const NEEDS = 'wavegate:needs';

/** Which permission a route needs. A route without this is refused to everybody: deny by default. */
export const Needs = (permission: Permission | 'nothing') => SetMetadata(NEEDS, permission);
export { NEEDS };
