import './theme/kit';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { router } from './router';

const root = document.getElementById('root');
if (root === null) throw new Error('BUG: index.html has no #root');
createRoot(root).render(<RouterProvider router={router} />);
