/** The release of this program. A spec compares it with package.json. */
export const VERSION = '0.1.0';
