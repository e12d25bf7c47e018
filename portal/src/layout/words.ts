import { en } from './en';
import { fr } from './fr';

export const words = { fr, en };
