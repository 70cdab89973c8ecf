import { IconRouteOff } from '@tabler/icons-react';
import { EmptyState } from '../states/EmptyState';

/** In the place of everything that needs a router. */
export function NoRouter() {
  return (
    <EmptyState icon={IconRouteOff} title="This server tells nobody about alerts">
      It has no routing configuration, so there are no silences, receivers and notifications. Name an alertmanager.yml
      under “alertmanager” in the configuration file.
    </EmptyState>
  );
}
