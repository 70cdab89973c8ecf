import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { styleNonce } from './api/base';
import { KeysProvider } from './nav/keys';
import { TimeProvider } from './nav/time';
import { ZoneProvider } from './prefs/zone';
import { Shell } from './shell/Shell';
import { theme } from './theme/mantine';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // The transport already backs off where trying again makes sense.
      retry: false,
      staleTime: 5000,
      gcTime: 120_000,
      refetchOnWindowFocus: false,
    },
  },
});

/** The whole of the UI: what every page may rely on, and the shell around it. */
export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => styleNonce}>
      <QueryClientProvider client={client}>
        <ZoneProvider>
          <KeysProvider>
            <TimeProvider>
              <Shell />
              <Notifications position="bottom-right" limit={3} />
            </TimeProvider>
          </KeysProvider>
        </ZoneProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
