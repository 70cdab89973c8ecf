import {
  ActionIcon,
  Button,
  createTheme,
  Drawer,
  Input,
  Kbd,
  Loader,
  Menu,
  Modal,
  NativeSelect,
  Overlay,
  Popover,
  SegmentedControl,
  Tabs,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { IconSelector } from '@tabler/icons-react';

/** Dense by default: 13 px text, 28 px controls. Colours come from `tokens.css`. */
export const theme = createTheme({
  fontFamily: 'var(--bw-font)',
  fontFamilyMonospace: 'var(--bw-mono)',
  primaryColor: 'blue',
  defaultRadius: 'sm',
  respectReducedMotion: true,
  focusRing: 'auto',
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '15px', xl: '18px' },
  spacing: { xs: '6px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '3px', sm: '6px', md: '8px', lg: '12px', xl: '16px' },
  components: {
    Button: Button.extend({
      defaultProps: { size: 'xs', variant: 'default' },
      vars: (_theme, { size }) => ({
        root: String(size).startsWith('compact') ? {} : { '--button-height': '28px', '--button-padding-x': '10px' },
      }),
    }),
    ActionIcon: ActionIcon.extend({ defaultProps: { size: 28, variant: 'subtle', color: 'gray' } }),
    Input: Input.extend({
      vars: (_theme, { size }) => ({
        wrapper: {
          ...(size === 'xs' ? { '--input-height': '28px' } : {}),
          '--input-bg': 'var(--bw-sunken)',
          '--input-bd': 'var(--bw-border-strong)',
        },
      }),
    }),
    Overlay: Overlay.extend({ defaultProps: { backgroundOpacity: 0.5, blur: 0 } }),
    Kbd: Kbd.extend({
      classNames: { root: 'bw-kbd' },
      vars: () => ({ root: { '--kbd-fz': '10px', '--kbd-shadow': 'none' } }),
    }),
    Tabs: Tabs.extend({ classNames: { root: 'bw-tabs' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'xs' } }),
    NativeSelect: NativeSelect.extend({
      defaultProps: { size: 'xs', rightSection: <IconSelector size={13} aria-hidden="true" /> },
    }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { size: 'xs', withItemsBorders: false } }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 300, withArrow: false, events: { hover: true, focus: true, touch: false } },
    }),
    Menu: Menu.extend({
      defaultProps: {
        shadow: 'md',
        // In a portal it would lie outside of all landmarks.
        withinPortal: false,
        withInitialFocusPlaceholder: false,
        transitionProps: { duration: 80 },
      },
    }),
    Popover: Popover.extend({ defaultProps: { shadow: 'md', transitionProps: { duration: 80 } } }),
    Drawer: Drawer.extend({ classNames: { content: 'bw-dialog' } }),
    Modal: Modal.extend({
      classNames: { content: 'bw-dialog', header: 'bw-dialog' },
      defaultProps: { transitionProps: { duration: 80 } },
    }),
    Loader: Loader.extend({ defaultProps: { size: 'xs' } }),
  },
});
