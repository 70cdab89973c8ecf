import './theme/kit';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { styleNonce } from './api/base';
import { router } from './router';

// The library that stops the page from scrolling below a dialogue looks for the nonce of its style here.
Object.assign(window, { __webpack_nonce__: styleNonce });

const root = document.getElementById('root');
if (root === null) throw new Error('BUG: index.html has no #root');
createRoot(root).render(<RouterProvider router={router} />);
